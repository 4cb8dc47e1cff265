"""A storage provider of Snakemake that keeps files in a folder, as others do in a bucket: a query is a path in it.

Snakemake's own (`fs`) would do, but it runs rsync, a program that may not be there.
"""

import shutil
from pathlib import Path

from snakemake_interface_storage_plugins.io import Mtime
from snakemake_interface_storage_plugins.storage_object import StorageObjectRead, StorageObjectWrite
from snakemake_interface_storage_plugins.storage_provider import StorageProviderBase, StorageQueryValidationResult


class StorageProvider(StorageProviderBase):
    @classmethod
    def example_queries(cls):
        return []

    @classmethod
    def is_valid_query(cls, query):
        return StorageQueryValidationResult(query, valid=True)

    def rate_limiter_key(self, query, operation):
        return None

    def default_max_requests_per_second(self):
        return 0

    def use_rate_limiter(self):
        return False


class StorageObject(StorageObjectRead, StorageObjectWrite):
    def __post_init__(self):
        self.path = Path(self.query)

    def local_suffix(self):
        return self.query.removeprefix("/")

    async def inventory(self, cache):
        key = self.cache_key()
        cache.exists_in_storage[key] = self.exists()
        if self.exists():
            cache.mtime[key], cache.size[key] = Mtime(storage=self.mtime()), self.size()

    def get_inventory_parent(self):
        return None

    def cleanup(self):
        pass

    def exists(self):
        return self.path.exists()

    def mtime(self):
        return self.path.stat().st_mtime

    def size(self):
        return self.path.stat().st_size

    def retrieve_object(self):
        shutil.copy2(self.path, self.local_path())

    def store_object(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.local_path(), self.path)

    def remove(self):
        self.path.unlink()
