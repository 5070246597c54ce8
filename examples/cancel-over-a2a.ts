// Cancels an agent over A2A 1.0, with nothing but `fetch`: a task of A2A has the id of its agent.
//   WRIT_URL=… WRIT_API_KEY=… node examples/cancel-over-a2a.ts AGENT
const [agentId = ''] = process.argv.slice(2);
const { WRIT_URL: url = 'http://127.0.0.1:7700', WRIT_API_KEY: key = '' } = process.env;

const answer = await fetch(new URL(`/a2a/tasks/${agentId}:cancel`, url), {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'a2a-version': '1.0' },
  body: '{}',
});
const task = (await answer.json()) as { status?: { state: string }; error?: { message: string } };
console.log(task.status?.state ?? task.error?.message);
process.exitCode = answer.ok ? 0 : 1;

export {};
