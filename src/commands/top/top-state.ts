import { SORTS, type Sort } from '../fleet-table.ts';

/** What the viewer has chosen. */
export interface TopState {
  readonly sort: Sort;
  readonly match: string;
  /** The match is being typed. */
  readonly isTyping: boolean;
  /** The row at the top, of those that match. */
  readonly first: number;
  readonly isHeld: boolean;
  readonly isHelpShown: boolean;
}

export const TOP_START: TopState = {
  sort: 'utilisation',
  match: '',
  isTyping: false,
  first: 0,
  isHeld: false,
  isHelpShown: false,
};

/** As `readline` names keys. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

export const KEYS_HELP: readonly (readonly [string, string])[] = [
  ['↑ ↓ PgUp PgDn Home End', 'move'],
  ['/', 'only what holds this text; Esc shows all again'],
  ['s', `sort by ${SORTS.join(', ')}`],
  ['space', 'hold still, and go on'],
  ['?', 'this help'],
  ['q', 'leave'],
];

/** What a key does. `rows` there are in all, `page` of them are shown at a time. */
export function pressed(state: TopState, key: Key, { rows, page }: { rows: number; page: number }): TopState | 'leave' {
  if (key.ctrl && key.name === 'c') return 'leave';
  if (state.isTyping) return typed(state, key);
  const last = Math.max(0, rows - page);
  const move = (first: number): TopState => ({ ...state, first: Math.min(last, Math.max(0, first)) });
  switch (key.name ?? key.sequence) {
    case 'q':
      return 'leave';
    case 'up':
    case 'k':
      return move(state.first - 1);
    case 'down':
    case 'j':
      return move(state.first + 1);
    case 'pageup':
      return move(state.first - page);
    case 'pagedown':
      return move(state.first + page);
    case 'home':
      return move(0);
    case 'end':
      return move(last);
    case 'space':
      return { ...state, isHeld: !state.isHeld };
    case 's':
      return { ...state, sort: SORTS[(SORTS.indexOf(state.sort) + 1) % SORTS.length] ?? state.sort, first: 0 };
    case 'escape':
      return { ...state, match: '', first: 0, isHelpShown: false };
    default:
      if (key.sequence === '/') return { ...state, isTyping: true };
      if (key.sequence === '?') return { ...state, isHelpShown: !state.isHelpShown };
      return state;
  }
}

function typed(state: TopState, key: Key): TopState {
  switch (key.name) {
    case 'return':
    case 'enter':
      return { ...state, isTyping: false };
    case 'escape':
      return { ...state, isTyping: false, match: '', first: 0 };
    case 'backspace':
      return { ...state, match: [...state.match].slice(0, -1).join(''), first: 0 };
    default: {
      const text = key.sequence ?? '';
      const isText = !key.ctrl && !key.meta && /^[^\p{C}]+$/u.test(text);
      return isText ? { ...state, match: state.match + text, first: 0 } : state;
    }
  }
}
