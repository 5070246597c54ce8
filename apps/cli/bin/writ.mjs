#!/usr/bin/env node
// The entry of `writ`, written for whatever Node the host has: under one older than 24 it starts itself again with the
// Node that the package brings along.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const quiet = '--disable-warning=ExperimentalWarning';

function broughtAlong() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
  } catch {
    console.error(`writ: needs Node 24 or newer; this is ${process.version}, and ${name} is not installed beside it.`);
    console.error('Install Node 24, or install writ again without --omit=optional.');
    return process.exit(1);
  }
}

function again(node) {
  const child = spawn(node, [quiet, self, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`writ: ${node} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

if (Number(process.versions.node.split('.')[0]) < 24) again(broughtAlong());
else await import('../../../dist/bundle/cli.js');
