// What an admin may write under `remotes`, which of them is meant, and which question of git gets the token.
import { describe, expect, test } from '@jest/globals';
import { tokenFor } from './askpass.js';
import { remoteOptions } from './options.js';
import { remoteOf } from './remotes.js';

const https = { tokenFile: '/etc/writ/token' };
const ssh = { keyFile: '/etc/writ/key', knownHostsFile: '/etc/writ/known_hosts' };
const repositories = ['https://git.example.org/**'];

describe('the setting', () => {
  test.each<[string, object]>([
    ['a run in the host', { repositories: ['https://git.example.org*/**'], https }],
    ['a run for the host', { repositories: ['https://**'], https }],
    ['a run over all', { repositories: ['**'], ssh }],
    ['a host without its slash', { repositories: ['https://git.example.org**'], https }],
    ['a scheme without TLS', { repositories: ['http://git.example.org/**'], https }],
    ['two places of the token', { repositories, https: { ...https, tokenEnv: 'TOKEN' } }],
    ['no place of the token', { repositories, https: { username: 'robot' } }],
    ['a variable of ours', { repositories, https: { tokenEnv: 'WRIT_TOKEN' } }],
    ['a path that a shell reads as more', { repositories, ssh: { ...ssh, keyFile: '/etc/$(id)' } }],
    ['a path that ssh reads as more', { repositories, ssh: { ...ssh, knownHostsFile: '/etc/%h' } }],
    ['a path without a beginning', { repositories, ssh: { ...ssh, keyFile: 'key' } }],
    ['a user name that git would escape', { repositories, https: { ...https, username: 'a@b' } }],
    ['no pinned hosts', { repositories, ssh: { keyFile: '/key' } }],
    ['the token itself', { repositories, https: { token: 'abc' } }],
  ])('refuses %s', (_what, remote) => {
    expect(remoteOptions.safeParse([remote]).success).toBe(false);
  });

  test('takes keys for all ways to write a URL, the whole host spelled out', () => {
    const patterns = [
      'ssh://git@git.example.org:2222/**',
      'ssh://git.example.org/team/*',
      'git@git.example.org:team/**',
    ];
    expect(remoteOptions.parse([{ repositories: patterns, ssh }])[0]?.repositories).toEqual(patterns);
  });
});

test('the first remote that matches counts', () => {
  const remotes = remoteOptions.parse([
    { repositories: ['https://git.example.org/team/*'], https },
    { repositories, https: { tokenFile: '/other' } },
  ]);
  expect(remoteOf(remotes, 'https://git.example.org/team/shop.git')?.https?.tokenFile).toBe('/etc/writ/token');
  expect(remoteOf(remotes, 'https://git.example.org/team/below/shop.git')?.https?.tokenFile).toBe('/other');
  expect(remoteOf(remotes, 'https://git.example.net/team/shop.git')).toBeUndefined();
});

describe('a question of git', () => {
  const answer = tokenFor('https://git.example.org:443/team/shop.git', 'robot', 'secret');

  test.each([
    ["Username for 'https://git.example.org': ", 'robot'],
    ["Password for 'https://robot@git.example.org': ", 'secret'],
    ["Password for 'https://robot@git.example.org:443': ", 'secret'],
  ])('%s is answered', (question, given) => expect(answer(question)).toBe(given));

  test.each([
    "Password for 'https://robot@git.example.net': ",
    "Password for 'https://robot@git.example.org:8443': ",
    "Password for 'https://robot@git.example.org.evil.net': ",
    "Password for 'https://robot@evil.net/git.example.org': ",
    "Password for 'http://robot@git.example.org': ",
    "Password for 'https://other@git.example.org': ",
    "Password for 'https://git.example.org': ",
    "Enter passphrase for key '/etc/writ/key': ",
    "Password for 'https://robot@git.example.org': and more",
    '',
  ])('%s is not', (question) => expect(answer(question)).toBeUndefined());
});
