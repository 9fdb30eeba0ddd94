import { Token } from 'aws-cdk-lib';

/** What two sides of a replica say of each other, checked while the template is made. */

/** @throws Error with the name of the property, unless it is twelve digits or not known yet */
export function checkAccount(property: string, account: string): void {
  if (!Token.isUnresolved(account) && !/^\d{12}$/.test(account)) {
    throw new Error(`${property}: an account is twelve digits, not '${account}'`);
  }
}

/** @throws Error with the name of the property, if it is known to name the place where the stack itself is */
export function checkElsewhere(property: string, there: string, here: string): void {
  if (!Token.isUnresolved(here) && there === here) {
    throw new Error(`${property}: ${there} is where this stack is; it has to be another one`);
  }
}

/**
 * The role at home that copies to a bucket in another account. Both sides have to know it beforehand, so it is named as
 * the bucket is, whose name nobody else has.
 */
export function copierName(bucketName: string): string {
  return bucketName;
}
