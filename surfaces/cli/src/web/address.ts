import { fromUtf8, toBase64url, utf8 } from '@caponier/crypto';
import { type Home, systemRandom } from '@caponier/host/home';

/** In the folder `run` of the home (0600): where the page of this device is, with its token. Gone when the daemon ends. */
const addressFile = 'page-address';

/** Bytes of a page's token: made anew at each start of the daemon. */
const tokenBytes = 16;

export function newPageToken(): string {
  return toBase64url(systemRandom(tokenBytes));
}

export function writePageAddress(home: Home, address: string): void {
  home.folder('run').write(addressFile, utf8(address));
}

export function readPageAddress(home: Home): string | null {
  const bytes = home.folder('run').read(addressFile);
  return bytes ? fromUtf8(bytes) : null;
}

export function removePageAddress(home: Home): void {
  home.folder('run').remove(addressFile);
}
