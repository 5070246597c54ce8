// The description of the API, made from the schemas that also check it.
import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { problem } from '#protocol';
import { z } from 'zod';
import { toldGenerator } from './describing.js';

const clash = 'unrepresentable in JSON Schema';

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. What a caller sends is described as input, answers as output. */
function convert(schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }) {
  if (!(schema instanceof z.ZodType)) throw new TypeError(clash);
  return { schema: z.toJSONSchema(schema, { io: schemaType, unrepresentable: 'any' }) };
}

const problemContent = { 'application/problem+json': { schema: z.toJSONSchema(problem, { io: 'output' }) } };
const defaultResponse = { description: 'A problem (RFC 9457)', content: problemContent };

/** Every operation may answer with a problem; said once here rather than on every handler. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  for (const path of Object.values(document.paths))
    for (const method of ['get', 'put', 'post', 'delete'] as const)
      Object.assign(path[method]?.responses ?? {}, { default: defaultResponse });
  return document;
}

export interface ApiTitle {
  readonly title: string;
  readonly description: string;
  readonly version: string;
}

/** The OpenAPI 3.1 document of everything that the application's controllers answer. */
export async function describeApi(
  app: INestApplication,
  { title, description, version }: ApiTitle,
): Promise<OpenAPIObject> {
  const { DocumentBuilder, SwaggerModule } = await toldGenerator();
  const builder = new DocumentBuilder().setTitle(title).setDescription(description).setVersion(version);
  const key = { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer writ_…`' } as const;
  const config = builder.setOpenAPIVersion('3.1.0').addSecurity('key', key).addSecurityRequirements('key').build();
  const operationIdFactory = (controller: string, method: string) =>
    `${controller.replace('Controller', '')}.${method}`;
  return withProblems(
    SwaggerModule.createDocument(app, config, { standardSchemaConverter: convert, operationIdFactory }),
  );
}
