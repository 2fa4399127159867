SELECT content FROM datasheet
