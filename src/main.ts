import { endOnCrash, ignoreClosedPipes, leaveSoon } from './commands/process-life.ts';
import { run } from './commands/program.ts';

ignoreClosedPipes();
endOnCrash();
process.exitCode = await run(process.argv.slice(2));
leaveSoon();
