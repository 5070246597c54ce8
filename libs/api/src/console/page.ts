// The one page of the console: it names its modules and styles, and what it may load. All else is made by the modules.
import { createHash } from 'node:crypto';

export interface Page {
  readonly html: string;
  /** Its `Content-Security-Policy`. */
  readonly policy: string;
}

interface PageParts {
  /** Where everything lies, as a path. */
  readonly base: string;
  /** Below the base. */
  readonly paths: readonly string[];
  /** What a module calls a package, and its path below the base. */
  readonly imports: readonly (readonly [name: string, path: string])[];
}

/** Before the first paint, so that a chosen theme does not flash. */
const theme = `try{const t=localStorage.getItem('writ.theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}`;

const hashOf = (script: string) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`;

/** Modules of pages are loaded when a page is shown; all others at once. */
const isNeededFirst = (path: string) => /\.js$/.test(path) && !/^(app\/pages\/|vendor\/uplot)/.test(path);

export function pageOf({ base, paths, imports }: PageParts): Page {
  const map = JSON.stringify({ imports: Object.fromEntries(imports.map(([name, path]) => [name, `${base}${path}`])) });
  const preloads = paths.filter(isNeededFirst).map((path) => `<link rel="modulepreload" href="${base}${path}">`);
  const styles = paths.filter((path) => path.endsWith('.css'));
  const head = [
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
    `<title>Writ</title><link rel="icon" href="${base}assets/icon.svg" type="image/svg+xml">`,
    `<script>${theme}</script><script type="importmap">${map}</script>`,
    ...styles.map((path) => `<link rel="stylesheet" href="${base}${path}">`),
    ...preloads,
    `<script type="module" src="${base}app/main.js"></script>`,
  ];
  // The first thing to be seen does not wait for the modules.
  const body =
    '<div id="app"><p class="loading">Loading…</p></div><noscript>The console needs JavaScript. `writ` does all of it in a terminal.</noscript>';
  const html = `<!doctype html><html lang="en"><head>${head.join('')}</head><body>${body}</body></html>`;
  return { html, policy: policyFor([theme, map]) };
}

function policyFor(inline: readonly string[]): string {
  const parts = [
    "default-src 'none'",
    `script-src 'self' ${inline.map(hashOf).join(' ')}`,
    "style-src 'self'; img-src 'self' data:; connect-src 'self'",
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "require-trusted-types-for 'script'; trusted-types 'none'",
  ];
  return parts.join('; ');
}
