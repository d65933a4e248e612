/** What the daemon keeps from boot to boot lies here: its own directory, made by tmpfiles.d. */
export const STATE = '/var/lib/lastgasp'
