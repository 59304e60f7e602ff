"""The Pulumi package: the component for programs in any of Pulumi's languages."""
