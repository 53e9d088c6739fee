import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { accessOf, type Access } from '../../src/http/access.js';

/** A route as the running router knows it. */
export interface Route {
  /** In capitals. */
  readonly method: string;
  /** As declared, e.g. `/api/v2/sessions/:id`. */
  readonly path: string;
}

/** A route as a controller declares it. */
export interface DeclaredRoute extends Route {
  readonly handler: string;
  readonly access: Access | undefined;
}

/** Every route that the running application answers, read off its Express router. */
export function routesOf(app: NestExpressApplication): Route[] {
  const { router } = app.getHttpAdapter().getInstance() as { router: { stack: Layer[] } };
  return router.stack.flatMap(({ route }) =>
    route
      ? Object.keys(route.methods).map((method) => ({ method: method.toUpperCase(), path: route.path }))
      : [],
  );
}

/** Every route that a controller of the application declares, with who may call it. */
export function declaredRoutesOf(app: NestExpressApplication): DeclaredRoute[] {
  const discovery = new DiscoveryService(app.get(ModulesContainer, { strict: false }));
  const scanner = new MetadataScanner();
  return discovery.getControllers().flatMap(({ metatype, name }) => {
    if (!metatype) return [];
    const prototype = metatype.prototype as Record<string, object>;
    return scanner.getAllMethodNames(prototype).flatMap((method) => {
      const handler = prototype[method]!;
      const verb = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
      if (verb === undefined) return [];
      const prefix = Reflect.getMetadata(PATH_METADATA, metatype) as string;
      const paths = [Reflect.getMetadata(PATH_METADATA, handler) as string | string[]].flat();
      return paths.map((path) => ({
        method: RequestMethod[verb],
        path: `/${[prefix, path]
          .map((part) => part.replace(/^\/|\/$/g, ''))
          .filter((part) => part !== '')
          .join('/')}`,
        handler: `${String(name)}#${method}`,
        access: accessOf(handler, metatype),
      }));
    });
  });
}

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
}
