"""The measurements of fine-tuning; see benchmarks/finetune.py."""
