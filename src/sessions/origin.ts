import bowser from 'bowser';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { open, type CityResponse, type Reader } from 'maxmind';
import { Config } from '../config.js';

const LONGEST_USER_AGENT = 1_000;

/** Where an address is; all null when there is nothing to look it up in. */
export interface Place {
  /** `Vienna, Austria`; `''` for an address in no known place. */
  readonly location: string | null;
  readonly city: string | null;
  readonly country: string | null;
  /** WGS 84 degrees. */
  readonly latitude: number | null;
  readonly longitude: number | null;
}

/** Of whoever comes from no address. */
export const NOWHERE: Place = {
  location: null,
  city: null,
  country: null,
  latitude: null,
  longitude: null,
};

/** Where a request comes from, as a session remembers it. */
export interface Origin extends Place {
  readonly lastIp: string;
  readonly userAgent: string | null;
  readonly device: string | null;
  readonly platform: string | null;
  readonly browser: string | null;
}

/** Turns an address and a User-Agent header into words that their owner recognises. */
@Injectable()
export class Origins implements OnModuleInit {
  private places: Reader<CityResponse> | null = null;

  constructor(private readonly config: Config) {}

  async onModuleInit(): Promise<void> {
    const path = this.config.get('GEOIP_DB');
    if (path !== undefined) this.places = await open<CityResponse>(path);
  }

  describe(ip: string, userAgentHeader: string | undefined): Origin {
    return { lastIp: ip, ...this.locate(ip), ...readUserAgent(userAgentHeader) };
  }

  /** Where the address is, as GEOIP_DB has it. */
  locate(ip: string): Place {
    if (this.places === null) return NOWHERE;
    const found = this.places.get(ip);
    const city = found?.city?.names.en ?? null;
    const country = found?.country?.names.en ?? null;
    return {
      location: [city, country].filter(Boolean).join(', '),
      city,
      country,
      latitude: found?.location?.latitude ?? null,
      longitude: found?.location?.longitude ?? null,
    };
  }
}

/** The parts of a User-Agent header; one that bowser does not know gives its first product's name as browser. */
function readUserAgent(header: string | undefined): Omit<Origin, 'lastIp' | keyof Place> {
  const userAgent = header?.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_USER_AGENT) || null;
  if (userAgent === null) return { userAgent, device: null, platform: null, browser: null };
  const { browser, os, platform } = bowser.parse(userAgent);
  const firstProduct = /^[^/\s()]{1,50}/.exec(userAgent)?.[0] ?? null;
  return {
    userAgent,
    device: platform.model ?? platform.type ?? null,
    platform: os.name ?? null,
    browser: browser.name || firstProduct,
  };
}
