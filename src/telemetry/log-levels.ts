const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Levels by module, read from `info,store=debug,scaling=warn`. */
export class LevelFilter {
  readonly fallback: LogLevel;
  readonly #byModule: ReadonlyMap<string, LogLevel>;

  constructor(directive: string) {
    const byModule = new Map<string, LogLevel>();
    let fallback: LogLevel = 'info';
    for (const part of directive.split(',')) {
      const [name = '', level] = part.trim().split('=');
      if (level === undefined && isLevel(name)) fallback = name;
      else if (level !== undefined && isLevel(level)) byModule.set(name, level);
      else throw new Error(`"${part}" is no log level; write info, or info,module=debug`);
    }
    this.fallback = fallback;
    this.#byModule = byModule;
  }

  levelOf(module: string): LogLevel {
    return this.#byModule.get(module) ?? this.fallback;
  }
}

function isLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}
