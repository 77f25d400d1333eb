#!/usr/bin/env node
// Plain old JavaScript on purpose: it runs on any Node, and hands over to the Node 24 that came with the package, or says
// in one line what is missing.
'use strict';
var fs = require('fs');
var os = require('os');
var path = require('path');
var spawn = require('child_process').spawn;
var pathToFileURL = require('url').pathToFileURL;

var NEEDED_MAJOR = 24;
var root = path.join(__dirname, '..');
var compiled = path.join(root, 'dist', 'main.js');
var source = path.join(root, 'src', 'main.ts');
// A checkout runs its sources; a packed installation has only dist, because Node strips no types under node_modules.
var isCheckout = fs.existsSync(source);
var entry = isCheckout ? source : compiled;
// Stripping the types takes longer than most commands; in a folder of our own, for what lies there is run.
var cache = path.join(root, 'node_modules', '.cache', 'starling');

// What runs for months is started with a small young generation and an allocator that gives back what it no longer
// needs: by itself Node keeps twice the memory for the same work (docs/benchmarks.md).
var service = require('./service-process.json');
var isService = ['autoscale', 'dev', 'metrics-store', 'platform'].indexOf(process.argv[2]) >= 0;
// An operator's own heap settings win.
var isTuned = /semi[-_]space/.test(process.env.NODE_OPTIONS || '');
var flags = isService && !isTuned ? service.flags.concat(service.flagsOf[process.argv[2]] || []) : [];
var environment = isService ? service.environment : {};

function complain(text) {
  process.stderr.write('starling ' + text + '\n');
  process.exit(2);
}

function bundledNode() {
  var name = 'node-' + (process.platform === 'win32' ? 'win' : process.platform) + '-' + process.arch;
  try {
    var home = path.dirname(require.resolve(name + '/package.json', { paths: [root] }));
    var binary = path.join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return fs.existsSync(binary) ? binary : undefined;
  } catch (_absent) {
    return undefined;
  }
}

function handOver(node) {
  var env = Object.assign(isCheckout ? { NODE_COMPILE_CACHE: cache } : {}, environment, process.env);
  // The channel closes with this process, also when that is killed.
  var together = ['--import', pathToFileURL(path.join(__dirname, 'end-with-launcher.mjs')).href];
  var child = spawn(node, flags.concat(together, entry, process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: env,
  });
  var signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  signals.forEach(function (name) {
    process.on(name, function () {
      child.kill(name);
    });
  });
  child.on('error', function (error) {
    complain('cannot start ' + node + ': ' + error.message);
  });
  child.on('exit', function (code, signal) {
    if (!signal) process.exit(code === null ? 1 : code);
    // Ends as the child did, so that a shell sees the same; as the first process of a container a signal to itself does nothing.
    signals.forEach(function (name) {
      process.removeAllListeners(name);
    });
    process.kill(process.pid, signal);
    setTimeout(function () {
      process.exit(128 + (os.constants.signals[signal] || 0));
    }, 100);
  });
}

if (!fs.existsSync(entry)) {
  complain('is not whole: ' + entry + ' is missing; install it again.');
} else if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  // The same process, begun anew with other flags; not where a channel to a parent would be lost, nor where there is no exec.
  var canBeginAnew = isService && process.execve && !process.channel && process.platform !== 'win32';
  if (canBeginAnew) {
    var begun = [process.execPath].concat(flags, process.execArgv, entry, process.argv.slice(2));
    var beforeCache = isCheckout ? { NODE_COMPILE_CACHE: cache } : {};
    process.execve(process.execPath, begun, Object.assign(beforeCache, environment, process.env));
  }
  if (isCheckout) require('module').enableCompileCache(cache);
  process.argv[1] = entry;
  import(pathToFileURL(entry).href);
} else {
  var node = bundledNode();
  if (node) handOver(node);
  else
    complain(
      'needs Node ' +
        NEEDED_MAJOR +
        ' or newer and this is ' +
        process.version +
        ': install it, or run npm ci without --omit=optional.',
    );
}
