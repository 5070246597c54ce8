// Signing in at an issuer over real HTTP, as a browser goes through it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import type { JWTPayload } from 'jose';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import type { SessionResource } from '#protocol';
import { caller, type Answer } from '../../../../../test/support/call.js';
import { client, Issuer, type Sign } from '../../../../../test/support/issuer.js';
import { startTinyApi, type TinyApi } from '../../../../../test/support/tiny-api.js';
import { consoleOptions } from '../../console/options.js';

let issuer: Issuer;
let api: TinyApi;
let honest: Pick<Issuer, 'person' | 'sign'>;
const roles = { viewer: ['everybody'], operator: ['ops'], admin: ['chiefs'] };
const settings = () => ({
  ...{ issuer: issuer.url, clientId: client.id, secretEnv: 'TEST_OIDC_SECRET', roles },
  redirectUri: 'http://127.0.0.1:1/v1/session/oidc/callback',
});

beforeAll(async () => {
  process.env.TEST_OIDC_SECRET = client.secret;
  issuer = await Issuer.open();
  honest = { person: issuer.person, sign: issuer.sign };
  api = await startTinyApi({ console: { oidc: settings() } });
});
beforeEach(() => void Object.assign(issuer, honest, { lie: {} }));
afterAll(async () => {
  delete process.env.TEST_OIDC_SECRET;
  await api.close();
  rmSync(api.stateDir, { recursive: true });
  await issuer.close();
});

const cookies = ({ headers }: Answer) => [headers['set-cookie'] ?? []].flat().map((one) => one.split(';')[0]!);
const atIssuer = { 'sec-fetch-site': 'cross-site' };

/** Off to the issuer: what the browser then holds, and where the issuer sends it back to. */
async function sent() {
  const off = await caller(api.url)('GET', '/v1/session/oidc');
  const [seed = ''] = cookies(off);
  const back = await caller(String(off.headers.location))('GET', '');
  return { off, seed, path: new URL(String(back.headers.location)).search };
}

const back = (path: string, cookie: string) =>
  caller(api.url)('GET', `/v1/session/oidc/callback${path}`, undefined, { cookie, ...atIssuer });

async function through(): Promise<Answer> {
  const { seed, path } = await sent();
  return back(path, seed);
}

describe('whoever the issuer vouches for', () => {
  test('has a session with the role of their groups, named in acts, and changes things only from pages of ours', async () => {
    issuer.person = { ...honest.person, groups: ['everybody', 'chiefs', 7] };
    const answer = await through();
    expect([answer.status, answer.headers.location]).toEqual([302, '/console/']);
    const [cookie = '', cleared = ''] = cookies(answer);
    expect(cookie).toMatch(/^writ_spoke_tiny=[\w-]{43}$/);
    expect(cleared).toBe('writ_oidc_spoke_tiny=');
    const ours = { 'sec-fetch-site': 'same-origin', cookie };
    const who = (await caller(api.url)('GET', '/v1/session', undefined, ours)).json() as SessionResource;
    expect(who.key).toEqual({ id: 'oidc:ada@partner.test', name: 'ada@partner.test', role: 'admin' });
    const made = { name: 'made', role: 'viewer' };
    expect((await caller(api.url)('POST', '/v1/keys', made, ours)).json()).toMatchObject({ code: 'cross_site' });
    const proven = { ...ours, 'writ-csrf': who.session!.csrf };
    expect((await caller(api.url)('POST', '/v1/keys', made, proven)).status).toBe(201);
  });

  test('is nobody here without a role, and is told so', async () => {
    issuer.person = { sub: '2', email: 'eve@partner.test', groups: ['others'] };
    const answer = await through();
    expect([answer.headers.location, cookies(answer)]).toEqual(['/console/?refused=forbidden', []]);
  });

  test.each<[string, JWTPayload, string]>([
    ['an address that the issuer did not check', { email: 'boss@partner.test', email_verified: false }, 'oidc:1'],
    ['a name that would not show as it is', { email: 'ada\u202e@partner.test' }, 'oidc:1'],
    ['no address', { email: undefined }, 'oidc:1'],
  ])('is named by the subject: %s', async (_, claims, id) => {
    issuer.person = { ...honest.person, ...claims };
    const [cookie = ''] = cookies(await through());
    const asking = { 'sec-fetch-site': 'same-origin', cookie };
    expect((await caller(api.url)('GET', '/v1/session', undefined, asking)).json()).toMatchObject({ key: { id } });
  });

  test('has no session any more once the issuer is none of ours', async () => {
    const [cookie = ''] = cookies(await through());
    const { stateDir } = api;
    await api.close();
    const asking = { 'sec-fetch-site': 'same-origin', cookie };
    const without = await startTinyApi({ stateDir });
    expect((await caller(without.url)('GET', '/v1/session', undefined, asking)).json()).toMatchObject({
      code: 'session_ended',
    });
    expect((await caller(without.url)('GET', '/v1/session/ways')).json()).toEqual({});
    await without.close();
    api = await startTinyApi({ stateDir, console: { oidc: settings() } });
    const { host } = new URL(issuer.url);
    expect((await caller(api.url)('GET', '/v1/session/ways')).json()).toEqual({ oidc: { name: host } });
  });
});

describe('a sign-in is refused', () => {
  const refused = (answer: Answer) => {
    expect([answer.headers.location, cookies(answer)]).toEqual(['/console/?refused=sign_in_refused', []]);
    return api.lines.at(-2) ?? '';
  };

  test('in another browser than the one that began, and a second time', async () => {
    const [one, other] = [await sent(), await sent()];
    refused(await back(one.path, ''));
    refused(await back(one.path, other.seed));
    refused(await back(one.path.replace(/code=[^&]*/, ''), one.seed));
    expect((await back(one.path, one.seed)).headers.location).toBe('/console/');
    refused(await back(one.path, one.seed));
  });

  const byOther: Sign = async (claims) => {
    const { privateKey } = await generateKeyPair('ES256');
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey);
  };
  const byClientSecret: Sign = (claims) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(Buffer.from(client.secret.padEnd(32)));

  test.each<[string, { readonly lie?: JWTPayload; readonly sign?: Sign }]>([
    ['of another issuer', { lie: { iss: 'https://other.test' } }],
    ['for another client', { lie: { aud: 'other' } }],
    ['for several clients, and another of them', { lie: { aud: [client.id, 'other'], azp: 'other' } }],
    ['that has ended', { lie: { exp: 1_700_000_000 } }],
    ['without an end', { lie: { exp: undefined } }],
    ['without a subject', { lie: { sub: undefined } }],
    ['for another sign-in', { lie: { nonce: 'other' } }],
    ['without a word of the sign-in', { lie: { nonce: undefined } }],
    ['that nobody signed', { sign: (claims) => Promise.resolve(new UnsecuredJWT(claims).encode()) }],
    ['that another key signed', { sign: byOther }],
    ['that the shared secret signed', { sign: byClientSecret }],
  ])('by a statement %s', async (_, lies) => {
    Object.assign(issuer, lies);
    refused(await through());
  });

  test('while the issuer is away; the log has the reason, and the page goes on', async () => {
    await using alone = await startTinyApi({ console: { oidc: { ...settings(), issuer: 'http://127.0.0.1:1' } } });
    const answer = await caller(alone.url)('GET', '/v1/session/oidc');
    expect(answer.headers.location).toBe('/console/?refused=sign_in_refused');
    expect(alone.lines.join('')).toMatch(/Its configuration: it could not be reached \(ECONNREFUSED\)/);
  });
});

test.each<[string, object]>([
  ['issuer', { issuer: 'http://issuer.partner.test' }],
  ['redirectUri', { redirectUri: 'https://hub.partner.test/elsewhere' }],
  ['redirectUri', { redirectUri: 'none' }],
  ['clientId', { clientId: undefined }],
  ['roles', { roles: {} }],
  ['secretEnv', { secretEnv: 'NOT_SET' }],
  ['secretFile', { secretEnv: undefined, secretFile: '/nonexistent' }],
])('a setting that could not work is refused at the start: %s %j', (field, change) => {
  const parsed = consoleOptions((name) => process.env[name]).safeParse({ oidc: { ...settings(), ...change } });
  const named = new Set(parsed.error?.issues.map(({ path }) => path.join('.')));
  expect([...named]).toEqual([`oidc.${field}`]);
});
