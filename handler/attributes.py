"""A row's attributes and statuses, as data. The tools use them too, so this imports nothing."""

COMPLETED, DELETED = "completed", "deleted"
PENDING, DONE, FAILED = "pending", "done", "failed"
# Attributes that cannot change as long as the version exists. Storage class, restore state and tags
# can change without an ordered notification, so a row never has them.
OBJECT_ATTRIBUTES = {
    "file_size": ("N", "Bytes"),
    "content_type": ("S", "As stored in S3; `binary/octet-stream` if S3 has none"),
    "etag": ("S", "Without quotes. Under a KMS key it is not a hash of the content"),
    "last_modified": ("S", "As stored in S3"),
    "version_id": ("S", "The current version; `null` if it is from before versioning"),
    "checksum": (
        "S",
        "`ALGORITHM:base64`, such as `CRC64NVME:...`; absent if S3 has none, or if the function may"
        " not use the object's KMS key",
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
        f"The extractor's result for that version, if `{DONE}`; kept while `ops extract` has it"
        " extracted again",
    ),
    "extracted_at": (
        "S",
        f"When the extraction ended; if `{PENDING}`, when `ops extract` requested it again",
    ),
    "extraction_error": ("S", f"If `{FAILED}`: type and message, at most 1,000 characters"),
}
ATTRIBUTES = {
    "file_key": ("S", "The object's key, URL-decoded: the partition key"),
    "bucket_name": ("S", "The bucket"),
    "region": ("S", "The bucket's region"),
    **OBJECT_ATTRIBUTES,
    "sequencer": (
        "S",
        "From the newest ordered notification handled, right-padded with `0` so that strings sort"
        " in event order; all zeros if there was none",
    ),
    "event_name": (
        "S",
        "From the last notification that led to a write, such as `ObjectCreated:Put`",
    ),
    "event_time": (
        "S",
        "The time of that notification's change, or of the backfill's or repair's request",
    ),
    "processed_at": ("S", "When the function read S3"),
    "processing_status": (
        "S",
        f"`{COMPLETED}`, or `{DELETED}`: a tombstone, without the attributes of an object",
    ),
    "expires_at": ("N", "On tombstones only: when DynamoDB may drop them, epoch seconds"),
    "unordered_until": (
        "S",
        "After an unordered deletion: until when a handler that read S3 before it may still write",
    ),
    **EXTRACTION_ATTRIBUTES,
}
"""Type and meaning of every attribute that a row may have."""
