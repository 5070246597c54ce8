// Reads what an agent changed over MCP, with nothing but `fetch`: each call is one request of its own.
//   WRIT_URL=… WRIT_API_KEY=… node examples/diff-over-mcp.ts AGENT
const [agentId = ''] = process.argv.slice(2);
const { WRIT_URL: url = 'http://127.0.0.1:7700', WRIT_API_KEY: key = '' } = process.env;

const answer = await fetch(new URL('/mcp', url), {
  method: 'POST',
  headers: {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'agent_diff', arguments: { agentId } },
  }),
});
const text = await answer.text();
// One JSON document, or the only event of a stream.
const [, data = text] = /^data: (.*)$/m.exec(text) ?? [];
const { result } = JSON.parse(data) as { result: { content: { text: string }[] } };
for (const { text: part } of result.content) console.log(part);

export {};
