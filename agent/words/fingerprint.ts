/** What the same crash, or the same hang, has in common on all hosts: a version and 64 bits in hex. Made as collector/sources/traces/FINGERPRINT.md says. */
export const FINGERPRINT = /^[1-9][0-9]{0,2}-[0-9a-f]{16}$/
