/** As Prometheus names what went wrong. */
export type ErrorType = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'not_found' | 'unavailable' | 'internal';

const STATUS: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 503,
  not_found: 404,
  unavailable: 503,
  internal: 500,
};

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
