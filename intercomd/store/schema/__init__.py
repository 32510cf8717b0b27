"""The schema, one folder per engine and one numbered file per version; never edited once released."""
