import { runProcess } from './commands/program.ts';

await runProcess(process.argv.slice(2));
