// The readable page of the API: plain HTML made on the server, no script, nothing from any other host.
import { createHash } from 'node:crypto';
import type { OpenAPIObject } from '@nestjs/swagger';

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; text-transform: capitalize; }
details { border: 1px solid #8886; border-radius: .4rem; margin: .4rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; }
b { display: inline-block; width: 4.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow: auto; max-height: 24rem; background: #8881; padding: .6rem; }
`;
const styleHash = createHash('sha256').update(style).digest('base64');

/** The page needs its own style sheet and nothing else. */
export const docsPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const text = (value: string | undefined) => (value ?? '').replace(/[&<>"']/g, (char) => escapes[char] ?? '');

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

function routesOf(document: OpenAPIObject): Route[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'delete'] as const).flatMap((method) => {
      const operation = item[method];
      return operation ? [{ method, path, operation }] : [];
    }),
  );
}

function schemaBlock(caption: string, content: unknown): string {
  const media = Object.entries((content ?? {}) as Record<string, { schema?: unknown }>);
  return media
    .map(
      ([type, { schema }]) =>
        `<p>${text(caption)} <code>${text(type)}</code></p><pre>${text(JSON.stringify(schema, null, 2))}</pre>`,
    )
    .join('');
}

function parameterRows(operation: Operation): string {
  const rows = (operation.parameters ?? []).map((parameter) => {
    if ('$ref' in parameter) return '';
    const { name, in: place, required, description } = parameter;
    return `<li><code>${text(name)}</code> (${text(place)}${required ? ', required' : ''}) ${text(description)}</li>`;
  });
  return rows.length > 0 ? `<ul>${rows.join('')}</ul>` : '';
}

function routeBlock({ method, path, operation }: Route): string {
  const body =
    operation.requestBody && 'content' in operation.requestBody
      ? schemaBlock('Send', operation.requestBody.content)
      : '';
  const answers = Object.entries(operation.responses).map(([status, response]) =>
    response && 'description' in response ? schemaBlock(`${status} ${response.description}`, response.content) : '',
  );
  const head = `<summary><b>${text(method.toUpperCase())}</b> <code>${text(path)}</code> ${text(operation.summary)}</summary>`;
  return `<details>${head}${parameterRows(operation)}${body}${answers.join('')}</details>`;
}

/** One page for the whole document, grouped by tag. */
export function docsPage(document: OpenAPIObject): string {
  const groups = Map.groupBy(routesOf(document), ({ operation }) => operation.tags?.[0] ?? 'other');
  const sections = [...groups].map(([tag, routes]) => `<h2>${text(tag)}</h2>${routes.map(routeBlock).join('')}`);
  const { title, version, description } = document.info;
  const intro = `<h1>${text(title)} <small>${text(version)}</small></h1><p>${text(description)}</p><p><a href="/openapi.json">openapi.json</a></p>`;
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(title)}</title><style>${style}</style>`;
  return `<!doctype html><html lang="en"><head>${head}</head><body>${intro}${sections.join('')}</body></html>`;
}
