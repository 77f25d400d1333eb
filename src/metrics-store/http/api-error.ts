/** As Prometheus names what went wrong. */
const STATUS = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 503,
  not_found: 404,
  unavailable: 503,
  internal: 500,
} as const;
type ErrorType = keyof typeof STATUS;

/** Sent to the caller in Prometheus' envelope. */
export class ApiError extends Error {
  readonly type: ErrorType;
  readonly status: number;
  constructor(type: ErrorType, message: string, status: number = STATUS[type]) {
    super(message);
    this.name = 'ApiError';
    this.type = type;
    this.status = status;
  }
}

export function badParameter(name: string, why: string): ApiError {
  return new ApiError('bad_data', `invalid parameter "${name}": ${why}`);
}
