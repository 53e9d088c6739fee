import { Controller, Get, HttpCode, Patch, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { JWK } from 'jose';
import { Config } from '../../config.js';
import { Anyone } from '../../http/access.js';
import { JWKS_MAX_AGE_SECONDS, KeysService } from '../../keys/keys.service.js';
import { environment } from './environment.js';

/** What clients and verifiers read before anybody is signed in. */
@Controller('clerk')
@Anyone()
export class ClerkEnvironmentController {
  constructor(
    private readonly keys: KeysService,
    private readonly config: Config,
  ) {}

  @Get('v1/environment')
  environment(@Req() request: Request): object {
    return environment(this.config.get('OTP_ISSUER'), request.app.locals.publicUrl as string);
  }

  /** The browser SDK says here where it runs; it is told what it would have read. */
  @Patch('v1/environment')
  @HttpCode(200)
  environmentFor(@Req() request: Request): object {
    return this.environment(request);
  }

  @Get('.well-known/jwks.json')
  jwks(@Res({ passthrough: true }) response: Response): Promise<{ keys: JWK[] }> {
    response.setHeader('Cache-Control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`);
    return this.keys.jwks('RS256');
  }

  /** Where backends look for the same keys. */
  @Get('v1/jwks')
  jwksOfBackend(@Res({ passthrough: true }) response: Response): Promise<{ keys: JWK[] }> {
    return this.jwks(response);
  }
}
