// Light, dark, or as the system has it. The page itself applies a choice before the first paint.
import { Cell } from '../state/cell.js';

export type Theme = 'system' | 'light' | 'dark';
const place = 'writ.theme';

function kept(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export const theme = new Cell<Theme>(kept());

export function chooseTheme(next: Theme): void {
  theme.set(next);
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === 'system') localStorage.removeItem(place);
    else localStorage.setItem(place, next);
  } catch {
    // Where nothing may be kept, the choice holds for this page.
  }
}
