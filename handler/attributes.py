"""A row's attributes and statuses, as data: also for the tools, so nothing else is imported."""

COMPLETED, DELETED = "completed", "deleted"
PENDING, DONE, FAILED = "pending", "done", "failed"
# What cannot change while the version lives. Storage class, restore state and tags can, without
# an ordered notification, so a row never holds them.
OBJECT_ATTRIBUTES = {
    "file_size": ("N", "Bytes"),
    "content_type": ("S", "As S3 has it; `binary/octet-stream` if it has none"),
    "etag": ("S", "Without quotes. Under KMS it is no hash of the content"),
    "last_modified": ("S", "As S3 has it"),
    "version_id": ("S", "The current version; `null` if it is from before versioning"),
    "checksum": (
        "S",
        "`ALGORITHM:base64`, such as `CRC64NVME:...`; absent if S3 has none, or under a KMS key"
        " that is closed to the function",
    ),
    "metadata": (
        "M of S",
        "User-defined metadata, names without `x-amz-meta-`, values decoded; absent if there is"
        " none",
    ),
}
EXTRACTION_ATTRIBUTES = {
    "extraction": (
        "S",
        f"With an extractor only: `{PENDING}`, `{DONE}` or `{FAILED}`, of the version that the row"
        " describes",
    ),
    "extracted": (
        "M",
        f"What the extractor found in that version, if `{DONE}`; also while it is asked for again",
    ),
    "extracted_at": (
        "S",
        f"When the extraction ended; if `{PENDING}`, when `ops extract` asked for it again",
    ),
    "extraction_error": ("S", f"If `{FAILED}`: type and message, at most 1,000 characters"),
}
ATTRIBUTES = {
    "file_key": ("S", "The object's key, URL-decoded: the partition key"),
    "bucket_name": ("S", "The bucket"),
    "region": ("S", "Where it is"),
    **OBJECT_ATTRIBUTES,
    "sequencer": (
        "S",
        "Of the newest ordered notification handled, right-padded with `0`: string order is event"
        " order; all zeros if there was none",
    ),
    "event_name": (
        "S",
        "Of the last notification that led to a write, such as `ObjectCreated:Put`",
    ),
    "event_time": (
        "S",
        "When S3 saw that change, or when a backfill or repair asked for the key",
    ),
    "processed_at": ("S", "When the function read S3"),
    "processing_status": (
        "S",
        f"`{COMPLETED}`, or `{DELETED}`: a tombstone, without the attributes of an object",
    ),
    "expires_at": ("N", "On tombstones only: when DynamoDB may drop them, epoch seconds"),
    "unordered_until": (
        "S",
        "After an unordered deletion: until when a write from before it may still arrive",
    ),
    **EXTRACTION_ATTRIBUTES,
}
"""Type and meaning by name: all that a row may have."""
