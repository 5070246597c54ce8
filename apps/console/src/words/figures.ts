// Figures as people read them: money, sizes, counts, how long and how long ago.

const count = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const cents = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
// Made once: `toLocaleString` makes one for each call, which took a third of a table's time.
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export const counted = (value: number) => count.format(value);
export const shortly = (value: number) => (value < 10_000 ? count.format(value) : short.format(value));

/** Of millionths of a US dollar; what is less than a cent still shows that it is something. */
export function money(microUsd: number): string {
  const usd = microUsd / 1e6;
  if (usd !== 0 && usd < 0.01) return `$${usd.toPrecision(1)}`;
  return `$${cents.format(usd)}`;
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 2 ** (10 * power);
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[power] ?? ''}`;
}

/** `4 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const ago = (time: string, now = Date.now()) => `${lasting(now - Date.parse(time))} ago`;

/** In the reader's own zone, with seconds. */
export const clock = (time: string) => moment.format(Date.parse(time));
