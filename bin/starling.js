#!/usr/bin/env node
// Plain old JavaScript on purpose: it runs on whatever Node is there, and hands over to the Node 24 that the package
// brought along, or says in one line what is missing.
'use strict';
var fs = require('fs');
var path = require('path');
var spawn = require('child_process').spawn;
var pathToFileURL = require('url').pathToFileURL;

var NEEDED_MAJOR = 24;
var root = path.join(__dirname, '..');
var compiled = path.join(root, 'dist', 'main.js');
var source = path.join(root, 'src', 'main.ts');
// A checkout runs its sources; a packed installation has only dist, because Node strips no types under node_modules.
var entry = fs.existsSync(source) ? source : compiled;

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

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  process.argv[1] = entry;
  import(pathToFileURL(entry).href);
} else {
  var node = bundledNode();
  if (!node) {
    process.stderr.write(
      'starling needs Node ' +
        NEEDED_MAJOR +
        ' or newer and this is ' +
        process.version +
        ': install it, or run npm ci without --omit=optional.\n',
    );
    process.exit(2);
  }
  var child = spawn(node, [entry].concat(process.argv.slice(2)), { stdio: 'inherit' });
  ['SIGTERM', 'SIGINT', 'SIGHUP'].forEach((name) => {
    process.on(name, () => {
      child.kill(name);
    });
  });
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal);
    else process.exit(code === null ? 1 : code);
  });
}
