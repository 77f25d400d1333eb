// Preloaded into a process: names on standard error, at the end, every module that was loaded.
import { registerHooks } from 'node:module';

const loaded = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
process.on('exit', () => {
  process.stderr.write(`${loaded.join('\n')}\n`);
});
