import { Cell } from '../cell.ts';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'starling.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export const theme = new Cell<Theme>(THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'system');

/** Changes when what is seen changes, for what is painted and not styled. */
export const painted = new Cell(0);

const dark = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const isDark = theme.value === 'dark' || (theme.value === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  painted.set(painted.value + 1);
}

apply();
dark.addEventListener('change', apply);

export function nextTheme(): void {
  theme.set(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system');
  localStorage.setItem(KEY, theme.value);
  apply();
}
