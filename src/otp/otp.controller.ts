import { Controller, Delete, Get, HttpCode, Param, Post, Put, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { toDataURL } from 'qrcode';
import type { Caller } from '../caller.js';
import { SignedIn, WhoCalls } from '../http/access.js';
import { answerNothing, answerResource } from '../json-api/answer.js';
import { readAttributes, readResource } from '../json-api/document.js';
import { pathId } from '../json-api/path-id.js';
import { readQuery } from '../json-api/query.js';
import { EnrollmentsService } from './enrollments.service.js';
import { BothFactors, FactorRemoval, OtpConfirmation, OtpEnrollmentStart } from './otp.attributes.js';
import { otpEnrollmentResource } from './otp.resource.js';

/** `/api/v2/users/:id/otp_enrollments` and `/api/v2/otp_enrollments`: setting up a second factor. */
@Controller('api/v2')
export class OtpController {
  constructor(private readonly enrollments: EnrollmentsService) {}

  @Post('users/:id/otp_enrollments')
  @SignedIn()
  async enroll(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') userId: string,
  ): Promise<void> {
    const query = readQuery(request, otpEnrollmentResource);
    const id = pathId(userId);
    const sent = readResource(request, otpEnrollmentResource);
    const { password } = readAttributes(OtpEnrollmentStart, sent, otpEnrollmentResource);
    const view = await this.enrollments.enroll(caller, id, password);
    const qrCode = await toDataURL(view.otpauthUri ?? '');
    const location = `/api/v2/otp_enrollments/${view.enrollment.id}`;
    answerResource(response, 201, otpEnrollmentResource, { ...view, qrCode }, query, { location });
  }

  @Get('otp_enrollments/:id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, otpEnrollmentResource);
    answerResource(
      response,
      200,
      otpEnrollmentResource,
      await this.enrollments.read(caller, pathId(id)),
      query,
    );
  }

  @Put('otp_enrollments/:id/confirm')
  @SignedIn()
  async confirm(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, otpEnrollmentResource);
    const stored = await this.enrollments.read(caller, pathId(id));
    const sent = readResource(request, otpEnrollmentResource, { id, anyId: true });
    const { otp } = readAttributes(OtpConfirmation, sent, otpEnrollmentResource, stored);
    answerResource(
      response,
      200,
      otpEnrollmentResource,
      await this.enrollments.confirm(caller, id, otp),
      query,
    );
  }

  @Post('otp_enrollments/:id/recovery_codes')
  @HttpCode(200)
  @SignedIn()
  async renewRecoveryCodes(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, otpEnrollmentResource);
    const { password, otp } = await this.readProofs(BothFactors, request, caller, id);
    const view = await this.enrollments.renewRecoveryCodes(caller, id, password, otp);
    answerResource(response, 200, otpEnrollmentResource, view, query);
  }

  @Delete('otp_enrollments/:id')
  @SignedIn()
  async remove(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    readQuery(request, otpEnrollmentResource);
    const { password, otp } = await this.readProofs(FactorRemoval, request, caller, id);
    await this.enrollments.remove(caller, id, password, otp ?? '');
    answerNothing(response);
  }

  private async readProofs<T extends object>(
    shape: new () => T,
    request: Request,
    caller: Caller,
    id: string,
  ): Promise<T> {
    const stored = await this.enrollments.read(caller, pathId(id));
    const sent = readResource(request, otpEnrollmentResource, { id, anyId: true });
    return readAttributes(shape, sent, otpEnrollmentResource, stored);
  }
}
