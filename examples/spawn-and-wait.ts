// Has an agent begin on a spoke, prints what it writes as it comes, and then what it changed.
//   WRIT_URL=http://127.0.0.1:7700 WRIT_API_KEY=… node examples/spawn-and-wait.ts SPOKE REPOSITORY [RUNTIME]
import { isTerminal, RestClient, type AgentResource } from 'writ/client';

const [spoke = '', repository = '', runtime] = process.argv.slice(2);
const { WRIT_URL: url = 'http://127.0.0.1:7700', WRIT_API_KEY: key } = process.env;

await using client = new RestClient({ url, key });

const answer = await client.agents.spawn(
  {
    spoke,
    taskId: `example-${Date.now()}`,
    agentType: 'worker',
    context: { repository, branch: 'main', workItems: ['Say hello in HELLO.md.'] },
    options: { runtime },
  },
  // Up to 20 s for the spoke's signed answer. Without it there is `pending`: the command is on its way, and nobody knows yet.
  { waitS: 20 },
);
if ('pending' in answer)
  throw new Error(`No answer yet: look again with \`writ commands ${answer.pending.commandId}\``);

const { agentId } = answer.agent;
console.log(`agent ${agentId}`);
// Goes on over cuts and restarts, and ends with the agent.
for await (const { text } of client.agents.output(agentId)) process.stdout.write(text);

const ended = await untilEnded(agentId);
console.log(`${ended.state}: ${ended.exitReason ?? ''}`);
process.stdout.write((await client.agents.diff(agentId)).text);

/** The output ends a moment before the spoke has told how it went. */
async function untilEnded(id: string): Promise<AgentResource> {
  for (;;) {
    const agent = await client.agents.get(id);
    if (isTerminal(agent.state)) return agent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
