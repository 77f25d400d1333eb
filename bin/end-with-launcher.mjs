// Loaded into a Node that the launcher hands over to: once the launcher is gone, also by kill -9, signals no longer arrive.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
