// Prints what happens on all spokes from the beginning, or from a cursor on; give the last cursor again to go on where it stopped.
//   WRIT_URL=… WRIT_API_KEY=… node examples/watch-events.ts [CURSOR] [SECONDS]
import { RestClient } from 'writ/client';

const [cursor, seconds = '3600'] = process.argv.slice(2);
const { WRIT_URL: url = 'http://127.0.0.1:7700', WRIT_API_KEY: key } = process.env;

await using client = new RestClient({ url, key });
const over = AbortSignal.timeout(Number(seconds) * 1_000);
const missed = ({ missing }: { readonly missing: number }) => console.log(`${missing} events are no longer kept`);

try {
  for await (const { cursor: place, event, spoke = '-' } of client.agents.events(cursor || undefined, over, missed))
    console.log([place, spoke, event.type, event.subject].join('\t'));
} catch (error) {
  if (!over.aborted) throw error;
}
