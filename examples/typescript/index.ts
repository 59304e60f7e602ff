// The SDK that `pulumi install` makes from the plugin; from github.com/OWNER/... it is
// "@owner/file-metadata".
import { FileMetadataPipeline } from "@pulumi/file-metadata";
import * as pulumi from "@pulumi/pulumi";

const files = new FileMetadataPipeline("file-metadata", {
  environmentSuffix: pulumi.getStack(),
  protectData: false,
  logRetentionDays: 7,
  tombstoneDays: 1,
  noncurrentVersionDays: 7,
});

export const bucket = files.bucketName;
export const table = files.tableName;
