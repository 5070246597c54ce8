// Ends every agent of one task, wherever it runs, and says how many of their processes are left: none, or it exits with 1.
//   WRIT_URL=… WRIT_API_KEY=… node examples/stop-a-task.ts TASK
import { RestClient, WritProblem } from 'writ/client';

const [taskId = ''] = process.argv.slice(2);
const { WRIT_URL: url = 'http://127.0.0.1:7700', WRIT_API_KEY: key } = process.env;

await using client = new RestClient({ url, key });
const reason = 'stopped by an example';

try {
  const { report, pending } = await client.agents.killSelected({ select: { taskId }, reason }, 30);
  console.log(`killed ${report.killed.length}, survivors ${report.survivors}, not answered ${pending.length}`);
  process.exitCode = report.survivors === 0 && pending.length === 0 ? 0 : 1;
} catch (error) {
  // `code` is of a closed list (docs/reference/errors.md); `next` says what a person can do.
  if (!(error instanceof WritProblem)) throw error;
  console.error(`${error.code}: ${error.message} ${error.problem.next}`);
  process.exitCode = 1;
}
