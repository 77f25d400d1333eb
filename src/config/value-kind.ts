import { formatDuration, parseDuration } from './duration.ts';

/** What convict holds for one option. */
export type Stored = string | number | boolean | readonly string[];

/** The text cannot be read; the message is the rule, to stand after "must be". */
export class Unreadable extends Error {}

/** How one kind of value is read from text and shown; a format of convict's. `Value` is what the rest of the code gets. */
export interface ValueKind<Value = unknown, Suffix extends string = string> {
  readonly name: string;
  /** What the typed key ends in, so that the unit is never in doubt. */
  readonly suffix: Suffix;
  readonly isList: boolean;
  /** What each text of a list must look like. */
  readonly item?: { readonly pattern: RegExp; readonly says: string };
  /** Throws Unreadable. Reading what was read before changes nothing. */
  read(text: string): Stored;
  finish(stored: Stored): Value;
  show(stored: Stored): string;
}

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};
const WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
]);
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

export const numberKind: ValueKind<number, ''> = {
  name: 'number',
  suffix: '',
  isList: false,
  read(text) {
    const trimmed = text.trim();
    if (!NUMBER.test(trimmed) || !Number.isFinite(Number(trimmed))) throw new Unreadable('a number');
    return Number(trimmed);
  },
  finish: Number,
  show: String,
};

export const integerKind: ValueKind<number, ''> = {
  ...numberKind,
  name: 'integer',
  read(text) {
    const trimmed = text.trim();
    if (!/^[+-]?\d+$/.test(trimmed) || !Number.isSafeInteger(Number(trimmed))) throw new Unreadable('a whole number');
    return Number(trimmed);
  },
};

export const durationKind: ValueKind<number, 'Ms'> = {
  ...numberKind,
  name: 'duration',
  suffix: 'Ms',
  read(text) {
    const ms = parseDuration(text);
    if (ms === undefined) throw new Unreadable('a duration with its unit, such as 15s, 500ms, 1m30s or PT10M');
    return ms;
  },
  show: (stored) => formatDuration(Number(stored)),
};

export const sizeKind: ValueKind<number, 'Bytes'> = {
  ...numberKind,
  name: 'size',
  suffix: 'Bytes',
  read(text) {
    const match = /^(\d+)\s*(B|KiB|MiB|GiB|kB|MB|GB)$/.exec(text.trim());
    if (!match) throw new Unreadable('a size with its unit, such as 64KiB or 32MiB');
    return Number(match[1]) * (BYTES[match[2] ?? ''] ?? 1);
  },
  show(stored) {
    const bytes = Number(stored);
    for (const unit of ['GiB', 'MiB', 'KiB']) {
      const size = BYTES[unit] ?? 1;
      if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
    }
    return `${bytes}B`;
  },
};

export const booleanKind: ValueKind<boolean, ''> = {
  ...numberKind,
  name: 'boolean',
  read(text) {
    const value = WORDS.get(text.trim().toLowerCase());
    if (value === undefined) throw new Unreadable('true or false');
    return value;
  },
  finish: (stored) => stored === true,
};

export const textKind: ValueKind<string, ''> = { ...numberKind, name: 'text', read: (text) => text, finish: String };

export const pathKind: ValueKind<string, ''> = { ...textKind, name: 'path' };

/** Which words there are stands with the option. */
export const choiceKind: ValueKind<string, ''> = { ...textKind, name: 'choice', read: (text) => text.trim() };

export const urlKind: ValueKind<string, ''> = {
  ...textKind,
  name: 'url',
  read(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
      throw new Unreadable('an http:// or https:// URL');
    // A URL is shown in logs, and a password in it would be shown too.
    if (url.username || url.password)
      throw new Unreadable('a URL without user and password: they go into options of their own');
    if (url.search || url.hash) throw new Unreadable('a URL without ? and #');
    return text.replace(/\/+$/, '');
  },
};

export const listKind: ValueKind<readonly string[], ''> = {
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
export const pairsKind: ValueKind<Readonly<Record<string, string>>, ''> = {
  ...listKind,
  name: 'pairs',
  item: { pattern: /^[^=]+=/, says: 'pairs such as name=value,other=value' },
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
export const listenKind: ValueKind<ListenAddress | undefined, ''> = {
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
