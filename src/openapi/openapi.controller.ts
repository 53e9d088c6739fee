import { Controller, Get, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Config } from '../config.js';
import { Anyone } from '../http/access.js';
import { absolute } from '../json-api/links.js';
import { Refusal } from '../refusal.js';

const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** The files of Swagger UI that the page loads, and their types. */
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

/** In a file of its own, since our Content-Security-Policy lets no script stand in a page. */
const START = `const { url } = document.getElementById('swagger-ui').dataset;
SwaggerUIBundle({ url, dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });
`;

/**
 * The documentation for programs and for people. Routes of a controller rather than `SwaggerModule.setup`, whose
 * handlers stand outside of Nest: no guard before them, no filter behind.
 */
@Controller()
@Anyone()
export class OpenApiController {
  private document: Buffer | undefined;

  constructor(private readonly config: Config) {}

  /** OpenAPI 3.1. */
  @Get('openapi.json')
  async show(@Res() response: Response): Promise<void> {
    this.document ??= await describe(absolute(response, ''), this.config);
    send(response, 'application/json', this.document);
  }

  /** Swagger UI. */
  @Get('docs')
  page(@Res() response: Response): void {
    const { pathname } = new URL(absolute(response, ''));
    send(response, 'text/html; charset=utf-8', Buffer.from(pageBelow(pathname.replace(/\/$/, ''))));
  }

  /** @throws Refusal route_unknown for all but the files of the page */
  @Get('docs/:file')
  async file(@Res() response: Response, @Param('file') file: string): Promise<void> {
    if (file === 'start.js') return send(response, 'text/javascript', Buffer.from(START));
    const type = Object.hasOwn(FILES, file) ? FILES[file] : undefined;
    if (type === undefined) throw new Refusal('route_unknown');
    send(response, type, await readFile(join(SWAGGER_UI, file)));
  }
}

/** What describes the service is loaded when someone asks: Swagger takes about as long to load as TypeORM does. */
async function describe(publicUrl: string, { values }: Config): Promise<Buffer> {
  const { describeService } = await import('./document.js');
  return Buffer.from(JSON.stringify(describeService(publicUrl, values.FACES, values.QA_MODE)));
}

function pageBelow(base: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Latchkey</title>
    <link rel="stylesheet" href="${base}/docs/swagger-ui.css">
    <link rel="icon" href="${base}/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui" data-url="${base}/openapi.json"></div>
    <script src="${base}/docs/swagger-ui-bundle.js"></script>
    <script src="${base}/docs/start.js"></script>
  </body>
</html>
`;
}

function send(response: Response, type: string, body: Buffer): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', body.length);
  response.end(body);
}
