"""The pipeline on a laptop: the real program, deployed to an embedded AWS emulator."""
