// Loaded into a Node that the launcher hands over to: when that is gone, however it went, nobody would pass signals on.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
