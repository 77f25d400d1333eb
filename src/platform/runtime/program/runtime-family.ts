import type { RuntimeFamily } from '../../model/function-record.ts';

/** What a runtime's name asks for. No version: whichever is there. */
export interface RuntimeWish {
  readonly family: RuntimeFamily;
  readonly major: number | undefined;
  readonly minor: number | undefined;
}

const NODE = /^node(?:js)?(\d{1,3})?(?:\.x)?$/;
/** `python`, `python3`, `python3.13`, and `python313` as some write it. */
const PYTHON = /^python(?:(\d)(?:\.?(\d{1,2}))?)?$/;
const EXECUTABLE = /^(?:go|go1\.x|rust|provided(?:\.[a-z0-9]+)?)$/;

/** Undefined: no family that runs here (Java, Ruby and .NET are such). */
export function runtimeWish(runtime: string): RuntimeWish | undefined {
  const node = NODE.exec(runtime);
  if (node) return { family: 'node', major: numberOf(node[1]), minor: undefined };
  const python = PYTHON.exec(runtime);
  if (python) return { family: 'python', major: numberOf(python[1]), minor: numberOf(python[2]) };
  if (EXECUTABLE.test(runtime)) return { family: 'executable', major: undefined, minor: undefined };
  return undefined;
}

const numberOf = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));
