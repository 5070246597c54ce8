// A request as it may be forwarded: only what is known to cost what its price says, and nothing by which the model API
// would fetch something for an agent that has no network. What is forwarded is written anew from what was judged.
import { z } from 'zod';
import { modelName } from './options.js';
import { Refused } from './refusal.js';

/** What a block that is an image counts at most, in tokens; of its bytes nothing can be told. */
const imageTokens = 5_000;
const bytesPerToken = 3;

const paths = ['/v1/messages', '/v1/messages/count_tokens'] as const;
type Path = (typeof paths)[number];

const fields = new Set([
  ...['model', 'max_tokens', 'messages', 'system', 'stream', 'tools', 'tool_choice', 'metadata', 'thinking'],
  ...['temperature', 'top_p', 'top_k', 'stop_sequences', 'cache_control', 'context_management'],
  ...['output_config', 'output_format'],
]);
/** Tools that the caller runs itself. All others run at the API: they search, fetch and cost on their own. */
const ownTools = /^(custom|(bash|text_editor|computer|memory)_\d{8})$/;

const tool = z.looseObject({ type: z.string().optional() });
const shape = z.looseObject({
  model: modelName,
  max_tokens: z.int().min(1).max(1_000_000).optional(),
  stream: z.boolean().optional(),
  messages: z.array(z.looseObject({ content: z.unknown() })).min(1),
  system: z.unknown().optional(),
  tools: z.array(tool).optional(),
});

export interface ModelRequest {
  readonly path: Path;
  readonly body: z.infer<typeof shape>;
  /** Estimated from its size, rather too many. */
  readonly promptTokens: number;
}

/** @throws Refused 400, 404 */
export function requestOf(path: string, text: string): ModelRequest {
  const known = paths.find((one) => one === path);
  if (!known) throw new Refused(404, `Only ${paths.join(' and ')} are forwarded.`);
  const parsed = shape.safeParse(jsonOf(text));
  if (!parsed.success) throw new Refused(400, `The request is not valid: ${z.prettifyError(parsed.error)}`);
  const body = parsed.data;
  if (known === '/v1/messages' && body.max_tokens === undefined) throw new Refused(400, 'max_tokens is required.');
  refuseUnknown(body);
  const pictures = [body.system, ...body.messages.map(({ content }) => content)].flatMap((content) => sources(content));
  const bytes = Buffer.byteLength(text) - pictures.reduce((sum, { data }) => sum + data.length, 0);
  const promptTokens = Math.ceil(bytes / bytesPerToken) + pictures.length * imageTokens;
  return { path: known, body, promptTokens };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuseUnknown(body: ModelRequest['body']): void {
  const unknown = Object.keys(body).find((name) => !fields.has(name));
  if (unknown !== undefined)
    throw new Refused(400, `The spoke does not forward ${JSON.stringify(unknown.slice(0, 60))}.`);
  const hosted = body.tools?.find(({ type = 'custom' }) => !ownTools.test(type));
  if (hosted) throw new Refused(403, 'Tools that run at the model API are not allowed: an agent has no network.');
}

/** Base64 images within a content. @throws Refused 403 for what the API would have to fetch. */
function sources(content: unknown): { readonly data: string }[] {
  if (!Array.isArray(content)) return [];
  return (content as unknown[]).flatMap((block) => {
    const { type, source, content: inner } = Object(block) as Record<string, unknown>;
    const { type: how, data, content: parts } = Object(source) as Record<string, unknown>;
    if (how === 'url' || how === 'file')
      throw new Refused(403, 'Sources by URL or file id are not allowed: an agent has no network.');
    const own = type === 'image' && typeof data === 'string' ? [{ data }] : [];
    return [...own, ...sources(inner), ...sources(parts)];
  });
}
