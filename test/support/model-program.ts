// A program that uses a model from inside a sandbox: the real SDK as it finds itself configured.
import { ConfiguredResolver, type Resolved } from '#agents';
import { profileOptions, runtimeOptions } from '../../libs/agents/src/profiles/options.js';
import { toolHostMounts } from '../../libs/agents/src/runtimes/claude/packages.js';

export const key = 'sk-ant-api03-the-real-key-of-the-spoke';
const price = { input: 1_000_000, output: 2_000_000, cacheRead: 100_000, cacheWrite: 1_250_000 };
/** Runs the first work item as JavaScript: `client` is the real SDK as it finds itself configured, `ask` one request. */
const program = `
const { default: Anthropic } = await import('/opt/writ/tools/node_modules/@anthropic-ai/sdk/index.mjs');
const client = new Anthropic({ maxRetries: 0 });
const base = { model: 'm-1', max_tokens: 100, messages: [{ role: 'user', content: 'Say something.' }] };
const ask = (more) => client.messages.create({ ...base, ...more });
const say = (value) => console.log(typeof value === 'string' ? value : JSON.stringify(value));
const failure = (asked) => asked.then(() => 'ok', (error) => ({ status: error.status, type: error.error?.error?.type, message: error.message }));
const run = new Function('client', 'base', 'ask', 'say', 'failure', 'return (async () => {' + JSON.parse(process.env.WRIT_TASK).workItems[0] + '})()');
await run(client, base, ask, say, failure);
`;

class WithSdk extends ConfiguredResolver {
  override async resolve(...args: Parameters<ConfiguredResolver['resolve']>): Promise<Resolved> {
    const resolved = await super.resolve(...args);
    return { ...resolved, mounts: [...resolved.mounts, ...toolHostMounts()] };
  }
}

/** The runtime `program` with a model at that address. */
export function programResolver(baseUrl: string): ConfiguredResolver {
  const argv = ['node', '--input-type=module', '-e', program];
  const model = { baseUrl, defaultPrice: price };
  const runtimes = runtimeOptions.parse({ program: { kind: 'command', argv, model }, claude: { kind: 'claude' } });
  return new WithSdk({ profiles: profileOptions.parse({}), runtimes, skills: {} }, () => key);
}
