import type { DialectTools } from '../dialect.ts';
import type { FunctionFinder } from '../function-finder.ts';
import type { DefinedTriggers } from './defined-triggers.ts';
import type { TagLog } from './tag-log.ts';

/** What the routes of this dialect are made from. */
export interface OrchestratorTools extends DialectTools {
  readonly functions: FunctionFinder;
  readonly definedTriggers: DefinedTriggers;
  readonly tags: TagLog;
}
