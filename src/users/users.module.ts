import { Module } from '@nestjs/common';
import { Attempts } from './attempts.js';
import { AttemptsStore } from './attempts.store.js';
import { CredentialChanges } from './credential-changes.js';
import { FirstAdministrator } from './first-administrator.js';
import { UserImport } from './import.js';
import { MembershipEnds } from './membership-ends.js';
import { OrganizationsController } from './organizations.controller.js';
import { OrganizationsService } from './organizations.service.js';
import { OrganizationsStore } from './organizations.store.js';
import { PasswordCheck } from './password-check.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';
import { UsersStore } from './users.store.js';

@Module({
  controllers: [UsersController, OrganizationsController],
  providers: [
    UsersService,
    UsersStore,
    UserImport,
    FirstAdministrator,
    PasswordCheck,
    CredentialChanges,
    OrganizationsService,
    OrganizationsStore,
    MembershipEnds,
    Attempts,
    AttemptsStore,
  ],
  exports: [
    UsersService,
    OrganizationsService,
    PasswordCheck,
    CredentialChanges,
    MembershipEnds,
    Attempts,
    AttemptsStore,
  ],
})
export class UsersModule {}
