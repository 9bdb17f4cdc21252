"""Access keys of the servers: `AccessKeys` is a file of them, `Access` what one allows."""

from lamlam.access_keys.access import RIGHTS as RIGHTS
from lamlam.access_keys.access import Access as Access
from lamlam.access_keys.key_file import KeyRecord as KeyRecord
from lamlam.access_keys.keys import AccessKeys as AccessKeys
