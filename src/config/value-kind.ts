import { formatDuration, parseDuration } from './duration.ts';

/** What a layer may hold for one option; convict keeps these. */
export type Stored = string | number | boolean | readonly string[];

/** The reader said no; the message is the rule, to stand after "must be". */
export class Unreadable extends Error {}

/** How one kind of value is read from text, checked and shown. `Value` is what the rest of the code gets. */
export interface ValueKind<Value> {
  readonly name: string;
  /** What the typed key ends in, so that the unit is never in doubt. */
  readonly suffix: '' | 'Ms' | 'Bytes';
  readonly isList: boolean;
  /** Throws Unreadable. Reading what was read before changes nothing. */
  read(text: string): Stored;
  finish(stored: Stored): Value;
  show(stored: Stored): string;
}

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};
const YES = new Set(['true', 'yes', 'on', '1']);
const NO = new Set(['false', 'no', 'off', '0']);
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

export const durationKind: ValueKind<number> = {
  name: 'duration',
  suffix: 'Ms',
  isList: false,
  read(text) {
    const ms = parseDuration(text);
    if (ms === undefined) throw new Unreadable('a duration with its unit, such as 15s, 500ms, 1m30s or PT10M');
    return ms;
  },
  finish: (stored) => Number(stored),
  show: (stored) => formatDuration(Number(stored)),
};

export const sizeKind: ValueKind<number> = {
  name: 'size',
  suffix: 'Bytes',
  isList: false,
  read(text) {
    const match = /^(\d+)\s*(B|KiB|MiB|GiB|kB|MB|GB)$/.exec(text.trim());
    if (!match) throw new Unreadable('a size with its unit, such as 64KiB or 32MiB');
    return Number(match[1]) * (BYTES[match[2] ?? ''] ?? 1);
  },
  finish: (stored) => Number(stored),
  show(stored) {
    const bytes = Number(stored);
    for (const unit of ['GiB', 'MiB', 'KiB']) {
      const size = BYTES[unit] ?? 1;
      if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
    }
    return `${bytes}B`;
  },
};

export const numberKind: ValueKind<number> = {
  name: 'number',
  suffix: '',
  isList: false,
  read(text) {
    const trimmed = text.trim();
    if (!NUMBER.test(trimmed) || !Number.isFinite(Number(trimmed))) throw new Unreadable('a number');
    return Number(trimmed);
  },
  finish: (stored) => Number(stored),
  show: String,
};

export const integerKind: ValueKind<number> = {
  ...numberKind,
  name: 'integer',
  read(text) {
    const trimmed = text.trim();
    if (!/^[+-]?\d+$/.test(trimmed) || !Number.isSafeInteger(Number(trimmed))) throw new Unreadable('a whole number');
    return Number(trimmed);
  },
};

export const booleanKind: ValueKind<boolean> = {
  name: 'boolean',
  suffix: '',
  isList: false,
  read(text) {
    const word = text.trim().toLowerCase();
    if (YES.has(word)) return true;
    if (NO.has(word)) return false;
    throw new Unreadable('true or false');
  },
  finish: (stored) => stored === true,
  show: String,
};

export const textKind: ValueKind<string> = {
  name: 'text',
  suffix: '',
  isList: false,
  read: (text) => text,
  finish: String,
  show: String,
};

export const pathKind: ValueKind<string> = { ...textKind, name: 'path' };

export function choiceKind<const Choice extends string>(choices: readonly Choice[]): ValueKind<Choice> {
  return {
    ...textKind,
    name: 'choice',
    read(text) {
      const word = text.trim();
      if (!choices.some((choice) => choice === word)) throw new Unreadable(`one of ${choices.join(', ')}`);
      return word;
    },
    finish: (stored) => stored as Choice,
  };
}

export const urlKind: ValueKind<string> = {
  ...textKind,
  name: 'url',
  read(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
      throw new Unreadable('an http:// or https:// URL');
    // Whoever can read a URL in a log could read the password in it.
    if (url.username || url.password)
      throw new Unreadable('a URL without user and password: they go into options of their own');
    if (url.search || url.hash) throw new Unreadable('a URL without ? and #');
    return text.replace(/\/+$/, '');
  },
};

export const listKind: ValueKind<readonly string[]> = {
  name: 'list',
  suffix: '',
  isList: true,
  read: (text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  finish: (stored) => stored as readonly string[],
  show: (stored) => (stored as readonly string[]).join(','),
};

/** Names with values, as a YAML map or as `name=value,name=value`. */
export const pairsKind: ValueKind<Readonly<Record<string, string>>> = {
  ...listKind,
  name: 'pairs',
  read(text) {
    const pairs = listKind.read(text) as readonly string[];
    for (const pair of pairs) if (pair.indexOf('=') < 1) throw new Unreadable('pairs such as name=value,other=value');
    return pairs;
  },
  finish(stored) {
    const entries = (stored as readonly string[]).map((pair) => {
      const split = pair.indexOf('=');
      return [pair.slice(0, split), pair.slice(split + 1)] as const;
    });
    return Object.freeze(Object.assign(Object.create(null), Object.fromEntries(entries)));
  },
};

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where to listen: `host:port`, `:port` for every interface, or `off`. */
export const listenKind: ValueKind<ListenAddress | undefined> = {
  ...textKind,
  name: 'listen',
  read(text) {
    const word = text.trim();
    if (word !== 'off' && !parseListen(word)) {
      throw new Unreadable('host:port (such as 127.0.0.1:8080, [::1]:8080 or :8080), or off');
    }
    return word;
  },
  finish: (stored) => parseListen(String(stored)),
};

function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return undefined;
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}
