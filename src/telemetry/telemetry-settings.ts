/** Named as in the configuration, where each is explained. */
export interface TelemetrySettings {
  readonly serviceName: string;
  readonly logLevel: string;
  readonly logFormat: 'auto' | 'json' | 'pretty';
  readonly perFunction: 'off' | 'capped' | 'all';
  readonly perFunctionLimit: number;
  readonly peerNames: boolean;
  readonly resource: Readonly<Record<string, string>>;
  readonly otlp: {
    readonly metrics: boolean;
    readonly traces: boolean;
    readonly endpoint: string | undefined;
    readonly intervalMs: number;
    readonly timeoutMs: number;
  };
  readonly tracesRatio: number;
}

export interface TelemetryOptions {
  readonly version: string;
  readonly memberId: string;
  readonly settings: TelemetrySettings;
}
