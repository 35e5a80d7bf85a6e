"""Commands know their lane. All columns are nullable: no table is rewritten, on neither engine."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("journal", "0002_event_append_only")]
    operations = [
        migrations.AddField("command", "lane", models.CharField(max_length=56, null=True)),
        migrations.AddField("command", "opens", models.BooleanField(null=True)),
        migrations.AddField("command", "holds_lane", models.BooleanField(null=True)),
        migrations.AddField("command", "awaits_lane", models.BooleanField(null=True)),
    ]
