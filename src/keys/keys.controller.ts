import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Anyone } from '../http/access.js';
import { JWKS_MAX_AGE_SECONDS, KeysService } from './keys.service.js';

/** The public keys, for whoever verifies our JWTs. */
@Controller('.well-known')
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  /** RFC 7517 §5. */
  @Get('jwks.json')
  @Anyone()
  async jwks(@Res() response: Response): Promise<void> {
    const body = Buffer.from(JSON.stringify(await this.keys.jwks()));
    response.setHeader('Content-Type', 'application/jwk-set+json');
    response.setHeader('Cache-Control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`);
    response.end(body);
  }
}
