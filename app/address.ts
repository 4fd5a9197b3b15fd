/** An e-mail address as it is typed (iam.is_address, 0040_accounts.sql): mail programs would read more than one into others. */
export const emailAddress = /^[^@\s<>()[\]\\,;:"]+@([a-z0-9-]+\.)*[a-z0-9-]+$/i;
