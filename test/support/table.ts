// The table of agents of the console as somebody goes through it: by the wheel to its last row, or looking at every row.
import type { Page } from 'playwright-core';

const wheelPx = 1_440;
const lookPx = 460;

const isAtEnd = `(() => {
  const rows = document.querySelector('.agents .rows');
  const isWhole = document.querySelector('.agents-table').getAttribute('aria-rowcount') !== '-1';
  return isWhole && rows.scrollTop + rows.clientHeight > rows.scrollHeight - 2;
})()`;

/** Scrolled there, drawn, then read: the id of each agent that is in the page, and its turns as they stand there. */
const rowsAt = (px: number) => `new Promise((resolve) => {
  document.querySelector('.agents .rows').scrollTop = ${px};
  const read = () => resolve([...document.querySelectorAll('.agents .rows .agents-row')].map((row) =>
    [row.querySelector('a').pathname.split('/').at(-1), row.querySelector('.col-turns').textContent.replaceAll(',', '')]));
  requestAnimationFrame(() => requestAnimationFrame(read));
})`;

/** Opens it, with the mouse over its rows. */
export async function atTable(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator('.agents .rows .agents-row').first().waitFor();
  await page.mouse.move(640, 500);
}

/** Down to the last row of all, further ones being loaded on the way. */
export async function wheelThrough(page: Page): Promise<void> {
  while (!(await page.evaluate<boolean>(isAtEnd))) await page.mouse.wheel(0, wheelPx);
}

/** So many turns of the wheel as go through as many rows, down and up again in a table that may be short. */
export async function wheelAbout(page: Page, rows: number): Promise<void> {
  const wheels = (rows * 46) / wheelPx;
  for (let wheel = 0; wheel < wheels; wheel += 1) {
    await page.evaluate<boolean>(isAtEnd);
    await page.mouse.wheel(0, wheel % 4 < 2 ? wheelPx : -wheelPx);
  }
}

/** Every agent that the table shows from its first row to its last, with its turns. */
export async function shownIn(page: Page): Promise<Map<string, number>> {
  const shown = new Map<string, number>();
  const height = await page.evaluate<number>(`document.querySelector('.agents .rows').scrollHeight`);
  for (let px = 0; px < height; px += lookPx)
    for (const [id, turns] of await page.evaluate<[string, string][]>(rowsAt(px))) shown.set(id, Number(turns));
  return shown;
}
